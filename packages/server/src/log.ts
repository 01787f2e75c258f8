import { pino } from 'pino'

/** Takes structured records. Never hand it tokens, keys, codes, header values, query strings or bodies. */
export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}

/** How much is logged; each level includes those after it. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/**
 * Makes a logger that writes one JSON object a line.
 * @param options.name stands in every record
 * @param options.level default `info`
 * @param options.write takes a line with its line feed; default: stderr
 */
export function jsonLog(options: {
  readonly name: string
  readonly level?: LogLevel
  readonly write?: (line: string) => void
}): Logger {
  const write = options.write ?? (line => void process.stderr.write(line))
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      base: { name: options.name, pid: process.pid },
      formatters: { level: label => ({ level: label }) },
    },
    { write: line => write(escapeControls(line)) },
  )
}

/** JSON escapes C0 controls only; the rest would still move a terminal's cursor or break a line in some viewers. */
function escapeControls(line: string): string {
  return line.replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/**
 * What may be logged of an unexpected error: its kind, its message with quotations and long words left out (a
 * parser's message quotes its input, and that may be a token), and where it was thrown.
 */
export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code.slice(0, 40) } : {}
  const frames = (error.stack ?? '').split('\n').filter(line => /^ {4}at /.test(line))
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
