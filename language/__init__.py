"""Russian text: words with their offsets, disguises undone, morphology, embeddings.

``Reading`` is what every stage looks at: the words of a text, folded, with where they stand.
"""

from language.reading import Reading, read
from language.readings import Candidate
from language.unmask import apart, candidates, mend, replaced

__all__ = ["Candidate", "Reading", "apart", "candidates", "mend", "read", "replaced"]
