"""Vector engines behind one small interface; knows no images and no SQL schema.

interface   the Protocol, the manifest, atomic save and checked load
exact       numpy, brute force: the executable specification
faiss       FAISS: flat, then IVF, binary for hashes; GPU where faiss-gpu finds one
"""
