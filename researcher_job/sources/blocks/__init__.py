"""What a document is divided into: units that readers find, and blocks with their context."""
