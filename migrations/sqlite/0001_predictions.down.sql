DROP TABLE prediction_terms;
DROP TABLE predictions;
