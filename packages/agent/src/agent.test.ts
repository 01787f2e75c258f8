import { readdir, readFile } from 'node:fs/promises'
import { generateSigningKey } from '@countersign/httpsig'
import { describe, expect, test } from 'vitest'
import { createAgent } from './agent.js'
import { agentServer, delegate, pseudonym } from './identity/identity.js'
import * as exported from './index.js'
import { callbackRoute } from './interact/callback-route.js'
import * as node from './node.js'
import { world } from './participants.test.fixture.js'

describe('createAgent', () => {
  test('uses the guarded fetcher on Node by default', () => {
    expect(createAgent({ identity: pseudonym() })).toHaveProperty('fetch')
  })

  test('a mistake is a TypeError at construction', async () => {
    const key = await generateSigningKey()
    const { fetcher } = (await world()).network
    const identity = pseudonym()
    const code = { type: 'code', code: 'x' } as const
    expect(() => createAgent({ identity: {} as never, fetcher })).toThrow(TypeError)
    expect(() => createAgent({ identity, fetcher, bodyLimit: 0 })).toThrow(TypeError)
    expect(() => createAgent({ identity, fetcher, interact: (() => undefined) as never })).toThrow(TypeError)
    for (const user of ['', 'a'.repeat(513), '\ud800', 7 as never])
      expect(() => createAgent({ identity, fetcher }).forUser(user)).toThrow(TypeError)
    expect(createAgent({ identity, fetcher }).forUser('a'.repeat(512))).toHaveProperty('fetch')
    for (const redirectUri of ['/callback', 'ftp://app.example/', 'http://app.example/', 'https://app.example/#x'])
      expect(() => callbackRoute({ redirectUri })).toThrow(TypeError)
    expect(callbackRoute({ redirectUri: 'https://app.example/callback' })).toHaveProperty('kind', 'callback')
    expect(() => createAgent({ identity, fetcher, identifyTo: ['calendar.example'] })).toThrow(TypeError)
    expect(() => createAgent({ identity, fetcher, acceptAuthServer: ['https://auth.example/'] })).toThrow(TypeError)
    expect(() => agentServer({ id: 'https://agent.example/', kid: 'k', key })).toThrow(TypeError)
    expect(() => agentServer({ id: 'https://agent.example', kid: '', key })).toThrow(TypeError)
    expect(() => delegate({ agentServer: 'agent.example', enroll: code })).toThrow(TypeError)
    expect(() => delegate({ agentServer: 'https://agent.example', enroll: { ...code, code: 'a b' } })).toThrow(
      TypeError,
    )
    const local = delegate({ agentServer: 'http://localhost:4110', enroll: code })
    expect(() => createAgent({ identity: local, fetcher })).toThrow(TypeError)
    expect(createAgent({ identity: local, fetcher, development: true })).toHaveProperty('requestAccess')
  })
})

test('the package exports these names', () => {
  expect(new Set(Object.keys(exported))).toEqual(
    new Set([
      'AgentError',
      'RefusedError',
      'agentServer',
      'callbackRoute',
      'createAgent',
      'delegate',
      'deviceCode',
      'explain',
      'inbox',
      'memoryState',
      'pseudonym',
      'throwOnRefusal',
    ]),
  )
  expect(new Set(Object.keys(node))).toEqual(new Set(['fileState', 'loopback', 'openBrowser', 'printUrl']))
})

test('only the files for Node import Node, so that the rest runs in browsers', async () => {
  const files = await readdir(import.meta.dirname, { recursive: true })
  const sources = files.filter(name => name.endsWith('.ts') && !name.includes('.test.'))
  const withNode: string[] = []
  for (const name of sources) {
    const text = (await readFile(new URL(name, import.meta.url), 'utf8')).replace(/\/\*[\s\S]*?\*\//g, '')
    if (/from '(node:|@countersign\/[a-z]+\/node)|\bprocess\.|\bBuffer\b/.test(text)) withNode.push(name)
  }
  const forNode = [
    'interact/loopback-page.ts',
    'interact/loopback.ts',
    'interact/open-browser.ts',
    'state/file-lock.ts',
    'state/file-state.ts',
    'state/process-identity.ts',
    'wire/post-fetch-node.ts',
  ]
  expect(new Set(withNode)).toEqual(new Set(forNode))
})
