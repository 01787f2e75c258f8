/**
 * The fields of an unexpected error that are safe to log: its name, its message without quotations and long words (a parser's message
 * quotes its input, which may be a token), and its stack.
 */
export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code.slice(0, 40) } : {}
  const frames = framesOf(error)
    .split('\n')
    .filter(line => /^ {4}at /.test(line))
  return {
    type: error.name,
    ...code,
    message: error.message
      .slice(0, 1000)
      .replace(/(["'`]).*\1/gs, '"…"')
      .replace(/[\w\-.~+/=%]{24,}/g, '…')
      .slice(0, 200),
    stack: frames.slice(0, 12).map(line => line.trim()),
  }
}

/** The stack without the message, whose lines may look like frames. */
function framesOf({ message, stack = '' }: Error): string {
  const at = stack.indexOf(message)
  return stack.slice(at < 0 ? 0 : at + message.length).slice(0, 8192)
}
