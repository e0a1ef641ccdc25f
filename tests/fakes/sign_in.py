"""Sign-in of the local stage."""

from dataclasses import dataclass, field

from spheroseg.errors import AccountExistsError, PasswordRefusedError, WrongCredentialsError


@dataclass(frozen=True)
class SomeTokens:
    access_token: str
    refresh_token: str | None
    expires_in_s: int = 3600


@dataclass
class InMemorySignIn:
    """Users in a dict, their tokens made of their addresses."""

    users: dict[str, str] = field(default_factory=dict)

    def sign_up(self, email: str, password: str) -> str:
        if email in self.users:
            raise AccountExistsError("Somebody signed up with this e-mail address; sign in instead")
        if len(password) < 12:
            raise PasswordRefusedError("Password not long enough")
        self.users[email] = password
        return f"sub-of-{email}"

    def sign_in(self, email: str, password: str) -> SomeTokens:
        if self.users.get(email) != password:
            raise WrongCredentialsError("These credentials do not fit")
        return SomeTokens(f"access-{email}", f"refresh-{email}")

    def refresh(self, refresh_token: str) -> SomeTokens:
        email = refresh_token.removeprefix("refresh-")
        if email not in self.users:
            raise WrongCredentialsError("These credentials do not fit")
        return SomeTokens(f"access-{email}", None)
