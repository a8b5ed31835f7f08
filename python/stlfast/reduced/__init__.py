"""What compiling makes: functions and points, reduced bases for bands of members, their part of a model file."""
