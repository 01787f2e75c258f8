import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Stand, stand } from './processes.fixture.js'

let place: Stand
let auth = ''

beforeAll(async () => {
  place = stand()
  const port = await freePort()
  auth = `http://localhost:${port}`
  const config = join(place.folder, 'auth-server.json')
  const common = { id: auth, port, development: true, data: place.folder, demoUsers: [{ name: 'Ada' }] }
  writeFileSync(config, JSON.stringify(common))
  await place.start('auth-server', ['auth-server', '--config', config, '--cors', 'https://app.example'])
})

afterAll(() => place.stop())

test('--cors opens the endpoints for agents to pages, and none of the pages for users', async () => {
  const headers = { origin: 'https://app.example' }
  const opened = async (path: string, method = 'GET'): Promise<string | null> => {
    const response = await fetch(`${auth}${path}`, { method, headers, redirect: 'manual' })
    return response.headers.get('access-control-allow-origin')
  }
  for (const path of ['/agent/consent', '/agent/authorize', '/login', '/logout', '/device'])
    expect(await opened(path), path).toBeNull()
  expect(await opened('/agent/token', 'POST')).toBe('https://app.example')
  expect(await opened('/.well-known/aauth-issuer')).toBe('https://app.example')
  const preflight = { ...headers, 'access-control-request-method': 'POST' }
  const allowed = await fetch(`${auth}/agent/token`, { method: 'OPTIONS', headers: preflight })
  expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, 'https://app.example'])
  const refused = await fetch(`${auth}/agent/consent`, { method: 'OPTIONS', headers: preflight })
  expect(refused.headers.get('access-control-allow-origin')).toBeNull()
})
