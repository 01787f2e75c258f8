import type { ReceivedMessage } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { jsonLog } from '@countersign/server'
import { expect, test } from 'vitest'
import type { ProxySettings } from './participant.js'
import { noticeProxy } from './proxy-notice.js'

const from = (peer: string, ...names: string[]): ReceivedMessage => ({
  method: 'GET',
  target: '/device',
  peer,
  headers: names.map(name => [name, '203.0.113.7']),
})

/** What is logged while these requests come, one after the other. */
async function logged(
  settings: ProxySettings,
  messages: readonly ReceivedMessage[],
  setting?: Parameters<typeof noticeProxy>[1]['setting'],
): Promise<object[]> {
  const lines: string[] = []
  const log = jsonLog({ name: 'auth-server', write: line => lines.push(line) })
  const answered: ReceivedMessage[] = []
  const participant = noticeProxy(
    {
      async handle(message) {
        answered.push(message)
        return new Response()
      },
    },
    { log, proxies: () => settings.trustedProxies, ...(setting && { setting }) },
  )
  for (const message of messages) expect((await participant.handle(message)).status).toBe(200)
  expect(answered).toEqual(messages)
  return lines.map(line => JSON.parse(line))
}

test(verifies('RAT-02', 'a proxy that no setting names is logged once, with the setting to write'), async () => {
  const quiet = [from('10.0.0.1'), from('10.0.0.1', 'Via')]
  const [told, ...more] = await logged({}, [
    ...quiet,
    from('::ffff:10.0.0.1', 'X-Forwarded-For'),
    from('10.0.0.2', 'X-Forwarded-For'),
  ])
  expect(more).toEqual([])
  expect(told).toMatchObject({ level: 'warn', event: 'unnamed_proxy', peer: '10.0.0.1', header: 'x-forwarded-for' })
  expect(told).toMatchObject({ msg: expect.stringContaining("trustedProxies: ['10.0.0.1'] (--trusted-proxies)") })
  expect(JSON.stringify(told)).not.toContain('203.0.113.7')
  const [other] = await logged({}, [from('fd00::1', 'forwarded')])
  expect(other).toMatchObject({ msg: expect.stringContaining("['fd00::1'] and forwardedHeader: forwarded") })
})

test(verifies('RAT-02', 'the line names the setting of the port that the proxy stands before'), async () => {
  const setting = { name: 'adminTrustedProxies', flag: '--admin-trusted-proxies', without: 'its address is recorded' }
  const [told] = await logged({}, [from('10.0.0.1', 'X-Forwarded-For')], setting)
  expect(told).toMatchObject({
    msg: "there seems to be a proxy at 10.0.0.1: its address is recorded. Set adminTrustedProxies: ['10.0.0.1'] (--admin-trusted-proxies) in the configuration, or adminTrustedProxies: 0 if it is a caller",
  })
})

test(verifies('RAT-02', 'a stranger does not cause the line, nor does a proxy that the settings name'), async () => {
  expect(await logged({}, [from('203.0.113.9', 'X-Forwarded-For'), from('2001:db8::1', 'Forwarded')])).toEqual([])
  for (const trustedProxies of [0, 1, ['10.0.0.0/8']])
    expect(await logged({ trustedProxies }, [from('10.0.0.1', 'X-Forwarded-For')])).toEqual([])
})
