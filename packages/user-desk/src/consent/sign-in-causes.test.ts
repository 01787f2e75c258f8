import type { Requests, StoredRequest } from '@countersign/auth-server/internal'
import { expect, test } from 'vitest'
import { consentPath } from './claimed-request.js'
import { signInCauses } from './sign-in-causes.js'

test('a sign-in names agent and resource for a link in a browser, and nothing for the token of a device or an inbox', async () => {
  const [agent, resource] = ['https://agent.example', 'https://calendar.example']
  const find: Requests['find'] = async token =>
    ({ way: token, agent, resource, expires: 100 }) as unknown as StoredRequest
  const causeOf = (way: string, now = 99): Promise<unknown> => signInCauses({ find }, () => now)(consentPath(way))
  expect(await causeOf('browser')).toEqual({ agent, resource })
  expect(await causeOf('device')).toBeUndefined()
  expect(await causeOf('inbox')).toBeUndefined()
  expect(await causeOf('browser', 100)).toBeUndefined()
})
