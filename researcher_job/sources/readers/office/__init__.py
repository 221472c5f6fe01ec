"""Documents of office programs: packages of XML."""
