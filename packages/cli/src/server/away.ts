import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { NoAnswerError, onOneLine, UsageError } from '@countersign/fetch'

/** PostgreSQL's classes of errors that the URL is to blame for: who signs in, and a database that is not there. */
const wrongUrl = /^(?:28|3D)/
/** Milliseconds in which a server is tried once more, only to say what it fails at. */
const patience = 2000

interface Facts {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly cause?: unknown
}

/**
 * Says which database or Redis cannot be had, and why; never the URL, which may hold a password.
 * @param option where its URL was said, such as `--database`
 * @throws NoAnswerError where it gives no answer, UsageError where it refuses what the URL says; anything else as it is
 */
export async function reaching<T>(option: string, url: string, opening: Promise<T>): Promise<T> {
  try {
    return await opening
  } catch (error) {
    if (url.startsWith('sqlite:')) throw error
    const { name, code, message } = Object(error) as Facts
    const place = placeOf(url)
    if (isAway(name, code))
      throw new NoAnswerError(`${option}: ${place.text} could not be reached: ${await reasonFor(place)}`)
    if (typeof code === 'string' && wrongUrl.test(code))
      throw new UsageError(`${option}: ${place.text} refuses: ${onOneLine(String(message))}`)
    throw error
  }
}

function isAway(name: unknown, code: unknown): boolean {
  if (name === 'StoreError') return code === 'unavailable'
  return name === 'RedisError' && (code === 'unavailable' || code === 'timeout')
}

interface Place {
  readonly host: string
  readonly port: number
  readonly text: string
}

function placeOf(url: string): Place {
  const { protocol, hostname, port } = URL.canParse(url) ? new URL(url) : new URL('postgres://localhost')
  const isRedis = protocol.startsWith('redis')
  const host = hostname.replace(/^\[|\]$/g, '') || 'localhost'
  const number = Number(port || (isRedis ? 6379 : 5432))
  return { host, port: number, text: `${isRedis ? 'Redis' : 'PostgreSQL'} at ${hostname || 'localhost'}:${number}` }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ENOTFOUND: 'the name has no address in DNS',
  EAI_AGAIN: 'DNS does not answer',
  EHOSTUNREACH: 'there is no way to its network',
  ENETUNREACH: 'there is no way to its network',
}

/** What connecting fails at, where it fails: drivers tell it of their last attempt, or not at all. */
async function reasonFor({ host, port }: Place): Promise<string> {
  try {
    const { address } = await lookup(host)
    await connected(address, port)
    return 'it takes connections, and gives no answer in time'
  } catch (error) {
    const { code } = Object(error) as Facts
    return (typeof code === 'string' ? reasons[code] : undefined) ?? 'no answer in time'
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
