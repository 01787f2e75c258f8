/** Seconds an agent token may live, whatever the server is configured to now: tokens issued yesterday count. */
export const longestLifetime = 86_400

/**
 * Seconds past `exp` for which an agent token still renews itself.
 * @see protocol §5 "Renewal"
 */
export const renewalGrace: number = 30 * 86_400
