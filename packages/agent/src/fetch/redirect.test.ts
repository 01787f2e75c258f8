import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { followRedirect } from './redirect.js'

const request = { url: new URL('https://app.example/a'), method: 'GET', headers: [] } as never

test.each([
  ['https://app.example/b', 'same'],
  ['https://other.example/b', 'elsewhere'],
  ['http://app.example/b', 'elsewhere'],
  ['https://user@app.example/b', 'elsewhere'],
  ['https://:password@app.example/b', 'elsewhere'],
  ['https://', 'elsewhere'],
])(verifies('agent.redirects.other-origin', 'a redirect to %s leads to: %s'), (location, to) => {
  expect(followRedirect(request, 302, location)?.to).toBe(to)
})
