import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { NoAnswerError, onOneLine, UsageError } from '@countersign/fetch/internal'

/** PostgreSQL's error classes for a wrong URL: authentication, and an unknown database. */
const wrongUrl = /^(?:28|3D)/
/** Milliseconds of a second attempt to connect, made only to find the cause. */
const patience = 2000

interface Facts {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly cause?: unknown
}

/**
 * Explains why a database or Redis cannot be opened. The error never holds the URL, which may have a password.
 * @param option the flag of the URL, such as `--database`
 * @throws NoAnswerError when the server does not answer, UsageError when it refuses the user or database of the URL; other errors
 * unchanged
 */
export async function reaching<T>(option: string, url: string, opening: Promise<T>): Promise<T> {
  try {
    return await opening
  } catch (error) {
    if (url.startsWith('sqlite:')) throw error
    const { name, code, message, cause } = Object(error) as Facts
    const place = placeOf(url)
    if (isMoved(cause))
      throw new UsageError(
        `${option}: ${place.text} is a node of a Redis Cluster: give redis://HOST:PORT,HOST:PORT,… or add ?cluster=true`,
      )
    if (isAway(name, code))
      throw new NoAnswerError(`${option}: ${place.text} could not be reached: ${await causeOf(place)}`)
    if (typeof code === 'string' && wrongUrl.test(code))
      throw new UsageError(`${option}: ${place.text} refuses: ${onOneLine(String(message))}`)
    throw error
  }
}

function isAway(name: unknown, code: unknown): boolean {
  if (name === 'StoreError') return code === 'unavailable'
  return name === 'RedisError' && (code === 'unavailable' || code === 'timeout')
}

/** What a node of a cluster says of a key that another one has. */
function isMoved(cause: unknown): boolean {
  return cause instanceof Error && cause.message.startsWith('MOVED')
}

interface Place {
  /** Of the first host. */
  readonly host: string
  readonly port: number
  readonly text: string
}

/** URLs of clusters, and of a database with its standby, name several hosts. */
function placeOf(url: string): Place {
  const [, protocol = '', authority = ''] = /^([a-z]+):\/\/([^/?#]*)/.exec(url) ?? []
  const isRedis = protocol.startsWith('redis')
  const places = authority
    .slice(authority.lastIndexOf('@') + 1)
    .split(',')
    .map(each => {
      const [, name = '', port] = /^(.*?)(?::(\d+))?$/.exec(each) ?? []
      return { name: name || 'localhost', port: Number(port ?? (isRedis ? 6379 : 5432)) }
    })
  const [first] = places
  const names = places.map(({ name, port }) => `${name}:${port}`)
  return {
    host: first?.name.replace(/^\[|\]$/g, '') ?? 'localhost',
    port: first?.port ?? 0,
    text: `${isRedis ? 'Redis' : 'PostgreSQL'} at ${names.join(', ')}`,
  }
}

const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ENOTFOUND: 'the name has no address in DNS',
  EAI_AGAIN: 'DNS does not answer',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to its network',
}

/** Finds the cause with a connection of its own: drivers report it only sometimes. */
async function causeOf({ host, port }: Place): Promise<string> {
  try {
    const { address } = await lookup(host)
    await connected(address, port)
    return 'it accepts connections, but does not answer in time'
  } catch (error) {
    const { code } = Object(error) as Facts
    return (typeof code === 'string' ? causes[code] : undefined) ?? 'no answer in time'
  }
}

function connected(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: patience })
    socket.once('connect', () => resolve()).once('error', reject)
    socket.once('timeout', () => reject(new Error('timeout')))
    const end = (): void => void socket.destroy()
    socket.once('connect', end).once('timeout', end)
  })
}
