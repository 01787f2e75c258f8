/** The longest life of an agent token in seconds. The current `tokenLifetime` may be shorter than that of tokens issued before. */
export const longestLifetime = 86_400

/**
 * Seconds past `exp` for which an agent token still renews itself.
 * @see protocol §5 "Renewal"
 */
export const renewalGrace: number = 30 * 86_400
