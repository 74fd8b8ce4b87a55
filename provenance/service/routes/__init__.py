"""The resources, one a file: a route turns a request into a call of the library, and its record into JSON.

health     the process and its database
check      find the original of a picture
compare    what differs between two pictures
"""
