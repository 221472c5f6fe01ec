"""E-mails that Outlook saved (MSG)."""

from __future__ import annotations

from email.message import EmailMessage
from io import BytesIO

from oxmsg import Message

from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.mail import message


def read(data: bytes, name: str) -> Document:
    """Read an Outlook message as the e-mail that it is."""
    try:
        mail = _as_mail(Message.load(BytesIO(data)))
    except MemoryError:
        raise
    except Exception as error:  # a hostile file makes the parser raise anything at all
        raise Unreadable(Reason.BROKEN_EML) from error
    return message.read(mail, name)


def _as_mail(opened: Message) -> bytes:
    mail = EmailMessage()
    headers = {
        "Subject": opened.subject,
        "From": opened.sender,
        "To": ", ".join(
            f"{one.name} <{one.email_address}>" if one.email_address else one.name
            for one in opened.recipients
        ),
        "Date": opened.sent_date.isoformat(" ") if opened.sent_date else "",
    }
    for header, said in headers.items():
        if said:
            mail[header] = " ".join(said.split())
    mail.set_content(opened.body or "")
    if not (opened.body or "").strip() and opened.html_body:
        mail.set_content(opened.html_body, subtype="html")
    for attachment in opened.attachments:
        mail.add_attachment(
            attachment.file_bytes or b"",
            maintype="application",
            subtype="octet-stream",
            filename=attachment.file_name or "attachment",
        )
    return mail.as_bytes()
