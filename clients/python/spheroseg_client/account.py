"""Your account as Python calls: profile, usage, closing; a part of ``Client``."""

from spheroseg_client.answers import parsed
from spheroseg_client.calls import Calls
from spheroseg_client.models import Closing, OwnRuns, Profile, Usage


class AccountCalls(Calls):
    """Who is signed in, and what is kept for them."""

    def profile(self) -> Profile:
        """Who is signed in."""
        return self._call("GET", "/v1/me", Profile, repeatable=True)

    def change_profile(self, **changes: str | float | None) -> Profile:
        """Change ``name``, ``organisation``, ``language`` or ``pixel_size_um``; what is left away stays."""
        return self._call("PATCH", "/v1/me", Profile, changes, repeatable=True)

    def usage(self) -> Usage:
        """How much may be kept, and what is kept."""
        return self._call("GET", "/v1/me/usage", Usage, repeatable=True)

    def own_runs(self) -> OwnRuns:
        """How many runs that you asked for wait, work, and have ended within a day."""
        return self._call("GET", "/v1/me/runs", OwnRuns, repeatable=True)

    def close_account(self, user_id: str) -> Closing:
        """Close your account and have all your data deleted; it cannot be undone, and this client is signed out.

        Args:
            user_id: Your own id, as ``profile`` tells it, so that it happens on purpose.
        """
        return parsed(Closing, self._ask("DELETE", "/v1/me", params={"confirm": user_id}), "/v1/me")
