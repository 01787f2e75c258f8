import {
  type BotDirectory,
  createBotDirectory,
  type DiscoveryEvent,
  type FetchedDocument,
} from '@countersign/discovery'
import { parsePublicJwk, thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { type Bot, directoriesFetcher, directoryOf, makeBot } from '@countersign/testing/world/web-bot'
import { beforeEach, expect, test } from 'vitest'
import { hanging, quiet, web } from '../packages/discovery/src/web.test.fixture.js'

let clock = 1_800_000_000
let bot: Bot
let keyid: string
let directories: Map<string, FetchedDocument | Error>
let fetched: string[]
let events: DiscoveryEvent[]
let directory: BotDirectory
const url = directoryOf('https://bot.example')

beforeEach(async () => {
  bot = await makeBot('https://bot.example')
  directories = new Map([[url, await bot.directory({ created: clock })]])
  fetched = []
  events = []
  directory = createBotDirectory({
    fetcher: directoriesFetcher(directories, fetched),
    now: () => clock,
    onEvent: event => events.push(event),
  })
  keyid = await keyOf(bot)
})

async function keyOf({ jwk }: Bot): Promise<string> {
  const { d: _, ...published } = jwk
  return thumbprint(parsePublicJwk(published))
}

test(
  verifies(
    'discovery.cache',
    'bot.directory',
    'a directory is fetched once for all, and its key stays the same object',
  ),
  async () => {
    const keys = await Promise.all([1, 2, 3].map(() => directory.key(bot.id, keyid)))
    expect(keys[0]?.thumbprint).toBe(keyid)
    expect(new Set(keys).size).toBe(1)
    expect(await directory.key(bot.id, keyid)).toBe(keys[0])
    expect(fetched).toEqual([url])
    const document = 'http-message-signatures-directory'
    expect(events).toContainEqual({ type: 'hit', document, id: bot.id, part: 'jwks' })
    directory.purge(bot.id)
    expect(events.at(-1)).toEqual({ type: 'purged', id: bot.id })
    expect(await directory.key(bot.id, keyid)).toBeDefined()
    expect(fetched).toEqual([url, url])
  },
)

test(
  verifies(
    'bot.directory',
    'a key that is withdrawn ends with the copy, and a new one is found at most every 30 seconds',
  ),
  async () => {
    const later = await makeBot(bot.id)
    const laterId = await keyOf(later)
    const unknown = 'A'.repeat(43)
    expect(await directory.key(bot.id, keyid)).toBeDefined()
    clock += 31
    directories.set(url, await later.directory({ created: clock }))
    for (const _ of [1, 2, 3]) expect(await directory.key(bot.id, unknown)).toBe(undefined)
    expect(fetched).toHaveLength(2)
    expect(await directory.key(bot.id, laterId)).toBeDefined()
    expect(await directory.key(bot.id, keyid)).toBe(undefined)
    expect(fetched).toHaveLength(2)
  },
)

test(verifies('discovery.stale', 'while its host is away, the last good directory counts for an hour'), async () => {
  expect(await directory.key(bot.id, keyid)).toBeDefined()
  directories.set(url, new Error('refused'))
  clock += 600
  expect(await directory.key(bot.id, keyid)).toBeDefined()
  clock += 3600
  await expect(directory.key(bot.id, keyid)).rejects.toMatchObject({ code: 'discovery_failed', status: 503 })
})

test('what is no identifier is no bot, and nothing is fetched for it', async () => {
  for (const id of ['https://bot.example/', 'http://bot.example', 'https://127.0.0.1', 'bot.example'])
    await expect(directory.key(id, keyid)).rejects.toMatchObject({ reason: 'identifier_malformed' })
  expect(fetched).toEqual([])
  expect(() => createBotDirectory({ timeout: 0 })).toThrow(RangeError)
  expect(() => createBotDirectory({ fetch: fetched } as never)).toThrow(TypeError)
})

test(
  verifies('discovery.shares', 'bots of one site, and callers of one network, take a share of the fetches'),
  async () => {
    const net = hanging(web())
    const flooded = createBotDirectory({ fetcher: net.fetcher, now: () => clock })
    const ask = (id: string, network?: string): Promise<unknown> => quiet(flooded.key(id, keyid, { network }))
    const flood = Array.from({ length: 40 }, (_, n) => ask(`https://n${n}.hang.example`))
    const pause = () => new Promise(resolve => setTimeout(resolve, 20))
    await pause()
    expect(net.open).toBe(6)
    const others = Array.from({ length: 40 }, (_, n) => ask(`https://x.a${n}hang.example`, '203.0.113.0/24'))
    await pause()
    expect(net.open).toBe(12)
    net.goDown()
    await Promise.all([...flood, ...others])
  },
)
