import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Participants } from '../participants.js'

/** A command of an operator. */
export interface OperatorCommand {
  readonly server: 'agent-server' | 'auth-server'
  /** What follows the flags that name the server. */
  readonly words: readonly string[]
  readonly flags: readonly string[]
}

/** What a command has printed. */
export interface Printed {
  /** The command, as typed into a shell. */
  readonly line: string
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

const execute = promisify(execFile)

/** Runs a command on the database of a running server, as its operator does in another terminal. */
export async function runCommand(participants: Participants, command: OperatorCommand): Promise<Printed> {
  const { countersign, execArgv } = participants
  const args = argumentsOf(participants, command)
  const line = ['countersign', ...args.map(quoted)].join(' ')
  try {
    const done = await execute(process.execPath, [...execArgv, countersign, ...args], {
      timeout: 30_000,
      maxBuffer: 1024 * 1024,
    })
    return { line, ...done, code: 0 }
  } catch (error) {
    const { stdout = '', stderr = '', code } = Object(error) as Partial<Printed>
    return { line, stdout, stderr, code: typeof code === 'number' ? code : 5 }
  }
}

function argumentsOf({ addresses, folder }: Participants, { server, words, flags }: OperatorCommand): string[] {
  const id = server === 'agent-server' ? addresses.agentServer : addresses.authServer
  return [server, ...words, '--id', id, '--data', join(folder, server), '--development', ...flags]
}

/** A word for a shell. */
export function quoted(word: string): string {
  return /^[\w./~@:+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** The objects that a command has printed with `--json`, one a line. */
export function objectsIn<T>({ stdout }: Pick<Printed, 'stdout'>): T[] {
  return stdout
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as T)
}
