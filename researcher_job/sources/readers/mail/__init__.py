"""E-mails: one, a folder of them, and those that Outlook writes."""
