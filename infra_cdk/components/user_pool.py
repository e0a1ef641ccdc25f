"""Who may sign in."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra_cdk.components.accepted import accept
from infra_cdk.config import StageConfig


class UserPool(Construct):
    """People, known by their e-mail address, and the one client that they sign in through.

    An access token is good for an hour. With ``local_sign_in`` people may sign themselves up, and a password may be
    sent over the API; otherwise an administrator invites them, and a password never leaves their own machine (SRP).
    Members of the group ``admin`` administrate the service; nobody is one at first.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: StageConfig) -> None:
        super().__init__(scope, construct_id)
        self.pool = cognito.UserPool(
            self,
            "pool",
            self_sign_up_enabled=stage.local_sign_in,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            password_policy=cognito.PasswordPolicy(
                min_length=12, require_digits=True, require_lowercase=True, require_uppercase=True, require_symbols=True
            ),
            mfa=cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            deletion_protection=stage.keeps_data,
            removal_policy=RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY,
        )
        self.administrators = cognito.CfnUserPoolGroup(
            self,
            "administrators",
            user_pool_id=self.pool.user_pool_id,
            group_name="admin",
            description="See users and queues, change quotas, tend dead letters",
        )
        self.client = self.pool.add_client(
            "client",
            auth_flows=cognito.AuthFlow(user_srp=True, user_password=stage.local_sign_in),
            generate_secret=False,
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=Duration.hours(1),
            id_token_validity=Duration.hours(1),
            refresh_token_validity=Duration.days(30),
            disable_o_auth=True,
        )
        accept(self.pool, "AwsSolutions-COG2", "People choose a second factor themselves; clients without one exist")
        for rule in ("AwsSolutions-COG3", "AwsSolutions-COG8"):
            accept(self.pool, rule, "Threat protection needs the Plus plan, which costs per active user")
