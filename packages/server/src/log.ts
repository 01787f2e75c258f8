import { checkOptions } from '@countersign/protocol/internal'
import { pino } from 'pino'

/** Writes structured records. Never pass it tokens, keys, codes, header values, query strings or bodies. */
export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}

/** How much is logged; each level includes those after it. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/**
 * Makes a logger that writes one JSON object per line.
 * @param options.name in every record
 * @param options.level default `info`
 * @param options.together whether the records of level `info` of one turn of the event loop are written together, for servers; default false
 * @param options.write called with each line and its line feed; default: writes to stderr, where lines are lost while it takes none
 */
export function jsonLog(options: {
  readonly name: string
  readonly level?: LogLevel
  readonly together?: boolean
  readonly write?: (line: string) => void
}): Logger {
  checkOptions('jsonLog', options, {
    name: 'string',
    level: ['debug', 'info', 'warn', 'error', 'silent'],
    together: 'boolean',
    write: 'function',
  })
  const write = options.write ?? (options.together === true ? inBatches(stderrWriter()) : stderrWriter())
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

/** Characters after which a batch is written at once. */
const fullBatch = 65_536

/** How a record of level `info` begins. */
const ofInfo = '{"level":"info"'

/**
 * Writes the records of level `info` of one turn of the event loop together: a busy server would spend more on writing a line than on
 * making it. Any other record is written at once, with those before it. A process that ends, also by an error, writes them before.
 */
function inBatches(write: (text: string) => void): (line: string) => void {
  let batch = ''
  const flush = (): void => {
    process.off('exit', flush)
    const text = batch
    batch = ''
    if (text !== '') write(text)
  }
  return line => {
    if (batch === '') {
      process.once('exit', flush)
      setImmediate(flush)
    }
    batch += line
    if (batch.length > fullBatch || !line.startsWith(ofInfo)) flush()
  }
}

/** Where stderr is a file on a full disk, or a pipe whose reader has gone, an error without a listener would end the server. */
function stderrWriter(): (text: string) => void {
  const { stderr } = process
  if (!stderr.listeners('error').includes(loseLine)) stderr.on('error', loseLine)
  return text => void stderr.write(text)
}

function loseLine(): void {}

/** JSON escapes C0 controls only; other controls could move a terminal's cursor or break a line in some viewers. */
function escapeControls(line: string): string {
  return line.replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
