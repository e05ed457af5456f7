/** Limits of the server, written by tests/generate_limits.py; not to be edited by hand. */

/** The archive's series have no more steps, from the first trade on, unless these are days. */
export const SERIES_STEPS_MAX = 1500;
