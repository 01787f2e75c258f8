import { expect, test } from 'vitest'
import { ownDirectory } from './own-directory.js'
import { ownDirectory as inBrowsers } from './own-directory-browser.js'

const id = 'https://agent.example'
const options = { now: () => 1_800_000_000, development: false }

test('on Node there is a default fetcher, in a browser it must be given', () => {
  expect(ownDirectory(options).agent).toBeTypeOf('function')
  expect(() => inBrowsers(options)).toThrow(TypeError)
})

test('both use the fetcher, and respect development', async () => {
  for (const open of [ownDirectory, inBrowsers]) {
    const fetched: string[] = []
    const fetcher = async (url: string) => {
      fetched.push(url)
      const of = url.replace('/.well-known/aauth-agent', '')
      const body = new TextEncoder().encode(JSON.stringify({ issuer: of, agent: of, jwks_uri: `${of}/jwks` }))
      return { status: 200, contentType: 'application/json', body }
    }
    expect((await open({ ...options, fetcher }).agent(id)).agent).toBe(id)
    const local = 'http://localhost:4110'
    await expect(open({ ...options, fetcher }).agent(local)).rejects.toMatchObject({ code: 'discovery_failed' })
    expect((await open({ ...options, fetcher, development: true }).agent(local)).agent).toBe(local)
    expect(fetched).toEqual([`${id}/.well-known/aauth-agent`, `${local}/.well-known/aauth-agent`])
  }
})
