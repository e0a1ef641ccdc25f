"""What is kept for repeats goes when its time is over."""

from dataclasses import dataclass

from spheroseg.ports import Clock, KeptAnswerRepository


@dataclass(frozen=True)
class ForgetAnswers:
    """Remove answers whose time is over, so that the table does not grow."""

    answers: KeptAnswerRepository
    clock: Clock

    def __call__(self) -> int:
        """How many were removed."""
        return self.answers.forget_older_than(self.clock.now())
