"""The client's requests about qualification types and the workers who hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from turkctl.mturk import answers
from turkctl.mturk.caller import Caller
from turkctl.mturk.errors import DoesNotExistError, InvalidStateError
from turkctl.mturk.types import Hit, Qualification, QualificationType


class QualificationCalls(Caller):
    """Create qualification types, grant and revoke them."""

    def create_qualification_type(
        self,
        name: str,
        description: str,
        *,
        keywords: Sequence[str] = (),
        auto_granted_value: int | None = None,
        retry_delay: timedelta | None = None,
        active: bool = True,
        test: str | None = None,
        test_duration: timedelta | None = None,
        answer_key: str | None = None,
    ) -> QualificationType:
        """Create a type. With ``auto_granted_value``, workers who request it get it at once, with that value.

        ``test`` is a QuestionForm, for which a worker has ``test_duration``; with ``answer_key`` the market scores it.

        Raises:
            NameTakenError: this account already has a type with that name.
        """
        return self._read(
            "create_qualification_type",
            lambda raw: answers.qualification_type(raw["QualificationType"]),
            Name=name,
            Description=description,
            Keywords=", ".join(keywords) or None,
            QualificationTypeStatus="Active" if active else "Inactive",
            AutoGranted=None if auto_granted_value is None else True,
            AutoGrantedValue=auto_granted_value,
            RetryDelayInSeconds=_seconds(retry_delay),
            Test=test,
            TestDurationInSeconds=_seconds(test_duration),
            AnswerKey=answer_key,
        )

    def update_qualification_type(
        self,
        type_id: str,
        *,
        description: str | None = None,
        active: bool | None = None,
        auto_granted: bool | None = None,
        auto_granted_value: int | None = None,
        retry_delay: timedelta | None = None,
        test: str | None = None,
        test_duration: timedelta | None = None,
        answer_key: str | None = None,
    ) -> QualificationType:
        """Change a type. Its name and keywords cannot change; arguments that are None change nothing."""
        status = None if active is None else ("Active" if active else "Inactive")
        return self._read(
            "update_qualification_type",
            lambda raw: answers.qualification_type(raw["QualificationType"]),
            QualificationTypeId=type_id,
            Description=description,
            QualificationTypeStatus=status,
            AutoGranted=auto_granted,
            AutoGrantedValue=auto_granted_value,
            RetryDelayInSeconds=_seconds(retry_delay),
            Test=test,
            TestDurationInSeconds=_seconds(test_duration),
            AnswerKey=answer_key,
        )

    def get_qualification_type(self, type_id: str) -> QualificationType:
        """Return one type.

        Raises:
            DoesNotExistError: the market has no type with that id.
        """
        return self._read(
            "get_qualification_type",
            lambda raw: answers.qualification_type(raw["QualificationType"]),
            QualificationTypeId=type_id,
        )

    def list_qualification_types(
        self, query: str | None = None, *, owned: bool = True, requestable: bool = False
    ) -> Iterator[QualificationType]:
        """Yield types, the account's own or everybody's. ``query`` is a fuzzy search that finds new types late."""
        return self._pages(
            "list_qualification_types",
            "QualificationTypes",
            answers.qualification_type,
            Query=query,
            MustBeOwnedByCaller=owned,
            MustBeRequestable=requestable,
        )

    def find_qualification_type(self, name: str) -> QualificationType | None:
        """Return the account's own type with exactly this name, or None if there is none (or it is under a minute old).

        Try the search first and then, since the search may miss it, the whole list of own types.
        """
        for query in (name, None):
            for found in self.list_qualification_types(query):
                if found.name == name:
                    return found
        return None

    def delete_qualification_type(self, type_id: str) -> None:
        """Delete a type; its name is free again after up to 48 hours."""
        self._ask("delete_qualification_type", QualificationTypeId=type_id)

    def hits_that_require(self, type_id: str) -> Iterator[Hit]:
        """Yield the account's HITs, except disposed ones, whose workers must or must not hold the type.

        Raises:
            DoesNotExistError: there is no such type.
        """
        return self._pages("list_hits_for_qualification_type", "HITs", answers.hit, QualificationTypeId=type_id)

    def grant(self, type_id: str, worker_id: str, value: int = 1, *, notify: bool = False) -> None:
        """Grant a worker a qualification or overwrite its value; the worker is told only with ``notify``."""
        self._ask(
            "associate_qualification_with_worker",
            QualificationTypeId=type_id,
            WorkerId=worker_id,
            IntegerValue=value,
            SendNotification=notify,
        )

    def revoke(self, type_id: str, worker_id: str, reason: str | None = None) -> None:
        """Revoke a qualification; the worker is told only if there is a reason.

        Raises:
            MarketRefusedError: for example if the worker does not hold it.
        """
        self._ask(
            "disassociate_qualification_from_worker", QualificationTypeId=type_id, WorkerId=worker_id, Reason=reason
        )

    def score(self, type_id: str, worker_id: str) -> Qualification | None:
        """Return a worker's qualification; None if they never held it or it was revoked.

        Raises:
            DoesNotExistError: there is no such type.
        """
        try:
            return self._read(
                "get_qualification_score",
                lambda raw: answers.qualification(raw["Qualification"]),
                QualificationTypeId=type_id,
                WorkerId=worker_id,
            )
        except DoesNotExistError as error:
            if error.code.endswith("QualificationTypeDoesNotExist"):
                raise
            return None
        except InvalidStateError as error:
            if error.code.endswith("InvalidQualificationTypeState"):
                raise
            return None

    def holders(self, type_id: str, status: str = "Granted") -> Iterator[Qualification]:
        """Yield the workers who hold a qualification or, with status ``Revoked``, who held it."""
        return self._pages(
            "list_workers_with_qualification_type",
            "Qualifications",
            answers.qualification,
            QualificationTypeId=type_id,
            Status=status,
        )


def _seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else int(duration.total_seconds())
