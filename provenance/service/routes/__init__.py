"""The resources, one a file: a route turns a request into a call of the library, and its record into JSON.

check         find the original of a picture: on the spot, or as a job
jobs          how far accepted checks are; events
reports       what was found, and the pictures behind it
compare       what differs between two pictures
references    the trusted pictures
collections   named parts of them
feedback      what reviewers say of reports
lookup        trusted pictures by hash or words
audit         who did what
health        the process, its database, its metrics
"""
