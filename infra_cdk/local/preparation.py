"""What a local cloud needs before anybody can use it: secrets, the schema, somebody to sign in."""

import json
from collections.abc import Mapping

from botocore.exceptions import ClientError

from infra_cdk.local.emulator import EmulatorClients
from infra_cdk.local.errors import LocalCloudError
from infra_cdk.local.folders import SignIn

ADMINISTRATORS = "admin"
"""The group that the user pool's component makes."""
DATABASE_SECRET = "spheroseg/local/database"  # noqa: S105 - a name
CACHE_SECRET = "spheroseg/local/cache"  # noqa: S105 - a name


def ensure_secret(clients: EmulatorClients, name: str, content: Mapping[str, str]) -> str:
    """Keep a user and password as a secret; gives its ARN, the same at each start."""
    secrets, value = clients.secrets, json.dumps(content)
    try:
        found = secrets.get_secret_value(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return secrets.create_secret(Name=name, SecretString=value)["ARN"]
    if found["SecretString"] != value:
        secrets.put_secret_value(SecretId=name, SecretString=value)
    return found["ARN"]


def migrate(clients: EmulatorClients, function: str) -> None:
    """Bring the database to the newest schema, through the function that does it on AWS."""
    answer = clients.functions.invoke(FunctionName=function, Payload=b"{}")
    said = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise LocalCloudError(f"The database cannot be migrated: {said}")


def ensure_user(clients: EmulatorClients, pool: str, sign_in: SignIn) -> None:
    """Let somebody sign in, who is an administrator; their data stay theirs from start to start."""
    _ensure_account(clients, pool, sign_in)
    clients.cognito.admin_add_user_to_group(UserPoolId=pool, Username=sign_in.email, GroupName=ADMINISTRATORS)


def _ensure_account(clients: EmulatorClients, pool: str, sign_in: SignIn) -> None:
    cognito = clients.cognito
    try:
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=sign_in.email,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": sign_in.email}, {"Name": "email_verified", "Value": "true"}],
        )
    except cognito.exceptions.UsernameExistsException:
        if cognito.admin_get_user(UserPoolId=pool, Username=sign_in.email)["UserStatus"] == "CONFIRMED":
            return
    cognito.admin_set_user_password(UserPoolId=pool, Username=sign_in.email, Password=sign_in.password, Permanent=True)
