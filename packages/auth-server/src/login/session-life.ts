/** Seconds without use after which a user must sign in again. */
export const sessionIdle = 3600
/** Seconds after which a user must sign in again, whatever they did. */
export const sessionLife: number = 12 * 3600
