"""People rate captions: a page on this machine, ratings in one file, means and agreement.

    study      which captions are rated: pairs drawn, systems mixed, equal captions shown once
    ratings    the study and its ratings in one SQLite file
    page       the form of the paper: fluency, correctness, relevance, 1 to 5 (extra "service")
    results    means with intervals, differences, agreement
    agreement  Krippendorff's alpha

The form follows the paper's human evaluation (appendix F, table 10): 50 pairs, each caption rated by five
people.
"""
