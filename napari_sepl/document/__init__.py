"""One image under review: inputs, annotations, and the labels that follow."""
