"""Pairs with known edits, for measuring how well differences are found and named.

truth      pairs.json: which two pictures, what differs, where, by how much
draft      a pair in the making; measures what each edit really changed
stock      cut-outs, fonts, other photos
objects    added, painted out, replaced, recoloured, duplicated, moved, hidden
words      writing added, removed, changed
grounds    all but the subject changed
tones      levels and colours of the whole picture
focus      blur, sharpening, noise
frames     crops, borders, turns, pages around the picture
kinds      all of these by name, chains, and what is no edit
saving     the file formats
making     photos -> a folder of pairs
"""
