"""The groups of commands behind the front door `cli.py`, one a module; each calls the floors below.

console    what they share: options, the open library, the progress bar
database   provenance db ...
hashes     provenance hashes ...
evaluate   provenance evaluate ...; edits and captions hold its longer commands
"""
