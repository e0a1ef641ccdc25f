"""Verified addresses: what a user pool of the emulator tells of somebody."""

from collections.abc import Mapping

import boto3

from spheroseg.adapters.cognito import CognitoPeople, CognitoSignIn

PASSWORD = "correct-Horse-7-battery"


def test_only_a_verified_address_is_told(aws: Mapping[str, str]) -> None:
    cognito = boto3.client("cognito-idp")
    pool_id = cognito.create_user_pool(PoolName="people", UsernameAttributes=["email"])["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="client", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    people = CognitoPeople(pool_id)
    signed_up = CognitoSignIn(client).sign_up("Ada@Example.com", PASSWORD)
    unverified = cognito.sign_up(
        ClientId=client,
        Username="bo@example.com",
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "bo@example.com"}],
    )["UserSub"]
    assert people.verified_email(signed_up) == "ada@example.com"
    assert people.verified_email(unverified) is None
    assert people.verified_email("6f1c1d1e-0000-4000-8000-00000000000a") is None
    cognito.delete_user_pool(UserPoolId=pool_id)
