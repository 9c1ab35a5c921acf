"""The field's metrics of codes beside factors, one family a file: right where the originals are wrong.

All see the same ``Table`` of codes and labels, made from one draw per seed; ``docs/metrics/field.md`` says what each
asks, and where other toolkits differ.
"""
