/**
 * What may be logged of an unexpected error: its kind, its message with quotations and long words left out (a
 * parser's message quotes its input, and that may be a token), and where it was thrown.
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

/** The stack without the message before it, which may have lines that look like frames. */
function framesOf({ message, stack = '' }: Error): string {
  const at = stack.indexOf(message)
  return stack.slice(at < 0 ? 0 : at + message.length).slice(0, 8192)
}
