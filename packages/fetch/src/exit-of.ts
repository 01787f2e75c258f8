import { type ExitCode, exitCode } from './exit-code.js'
import { NoAnswerError, UsageError } from './usage-error.js'

/** Exit codes by the code of an AgentError. */
const agentErrorExits: Readonly<Record<string, ExitCode>> = {
  network: exitCode.network,
  unreachable: exitCode.network,
  interaction_required: exitCode.needsUser,
  not_allowed: exitCode.usage,
  body_too_large: exitCode.usage,
  state_unusable: exitCode.usage,
}

/** Error codes of Node's file system, in words. */
const fileErrorTexts: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'this user may not open it',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  EEXIST: 'there is a file of that name',
  EPERM: 'the system does not allow it',
  EROFS: 'its file system is read-only',
}

/** The ending of a file's name while it is written. */
const temporary = /\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/

interface ErrorFacts {
  readonly name?: unknown
  readonly code?: unknown
  readonly status?: unknown
  readonly path?: unknown
}

/** Returns the exit code for an error that ends a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError || fileFault(error) !== undefined) return exitCode.usage
  if (error instanceof NoAnswerError) return exitCode.network
  const { name, code, status } = Object(error) as ErrorFacts
  if (name === 'AgentError') return agentErrorExits[String(code)] ?? exitCode.refused
  if (name === 'AAuthError') return status === 503 ? exitCode.network : exitCode.refused
  // A database that cannot be what the server needs: another one, or another installation helps.
  if (name === 'StoreError' && code === 'unsuitable') return exitCode.usage
  // A wrong option is a TypeError too; an error of the JavaScript engine is a fault of this program.
  if (isProgramFault(error)) return exitCode.internal
  return error instanceof TypeError || error instanceof RangeError ? exitCode.usage : exitCode.refused
}

/** Describes what is wrong with a file that the user named; undefined for any other error. */
export function fileFault(error: unknown): string | undefined {
  const { code, path } = Object(error) as ErrorFacts
  const why = typeof code === 'string' && Object.hasOwn(fileErrorTexts, code) ? fileErrorTexts[code] : undefined
  return why === undefined || typeof path !== 'string'
    ? undefined
    : `cannot open ${path.replace(temporary, '')}: ${why}`
}

function isProgramFault(error: unknown): boolean {
  if (error instanceof ReferenceError || error instanceof SyntaxError) return true
  return error instanceof TypeError && / is not (?:a function|iterable|defined)|^Cannot \w+ propert/.test(error.message)
}
