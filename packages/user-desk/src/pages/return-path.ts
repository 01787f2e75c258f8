const longest = 1024

/**
 * Tells whether a text is a path (and query) of this server that a browser may be sent to.
 * Anything a browser could read as another origin is refused: `//host`, `/\host`, controls and what is not ASCII.
 */
export function isReturnPath(text: string): boolean {
  return text.length <= longest && /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(text) && !text.includes('#')
}
