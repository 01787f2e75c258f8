import { createServer } from 'node:http'
import { listenOn } from '@countersign/testing/listening'
import { expect, test } from 'vitest'
import { openUser } from './open-user.js'
import type { Errand } from './user.js'

const errand: Errand = { url: 'http://a.example/?x=1&y=2', decision: 'refuse', user: '1' }
const printing = ['-e', 'process.stdout.write(process.argv.slice(1).join("|"))', '--', '{url}', '{decision}', '{code}']

test('a command gets what it is to do, and tells the page', async () => {
  const user = openUser({ by: 'command', command: [process.execPath, ...printing], deadline: 30_000 })
  expect([user.takesCodes, user.hasOther, user.chooses, user.waits]).toEqual([true, false, false, false])
  expect(await user.act({ ...errand, code: 'ABCD-{url}' })).toMatchObject({
    succeeded: true,
    page: 'http://a.example/?x=1&y=2|refuse|ABCD-{url}',
  })
})

test('a command that fails, does not end or does not exist has not acted', async () => {
  const run = (command: string[], deadline = 30_000) => openUser({ by: 'command', command, deadline }).act(errand)
  expect(await run([process.execPath, '-e', 'process.exit(3)'])).toMatchObject({
    succeeded: false,
    detail: 'the command ended with 3',
  })
  expect(await run([process.execPath, '-e', 'setInterval(() => 0, 1000)'], 300)).toMatchObject({ succeeded: false })
  expect(await run(['/no/such/program'])).toMatchObject({ succeeded: false, detail: 'the command ended with ENOENT' })
})

test('a template is fetched with what is to be done in its query', async () => {
  const targets: Array<string | undefined> = []
  const server = createServer((request, response) => {
    targets.push(request.url)
    response.writeHead(targets.length === 1 ? 200 : 500).end('the page')
  })
  const template = `http://127.0.0.1:${await listenOn(server)}/act?to={url}&do={decision}&as={user}`
  const user = openUser({ by: 'template', template, deadline: 30_000 })
  expect([user.takesCodes, user.hasOther]).toEqual([false, true])
  expect(await user.act({ ...errand, user: '2' })).toMatchObject({ succeeded: true, page: 'the page' })
  expect(targets).toEqual(['/act?to=http%3A%2F%2Fa.example%2F%3Fx%3D1%26y%3D2&do=refuse&as=2'])
  expect(await user.act(errand)).toMatchObject({ succeeded: false })
  server.close()
  expect(await user.act(errand)).toMatchObject({ succeeded: false })
})

test('a user who reads a page for some time is told for how long, and what to choose', async () => {
  const script =
    'setTimeout(() => process.stdout.write(process.argv.slice(1).join("|")), Number(process.argv[2]) * 1000)'
  const command = [process.execPath, '-e', script, '--', '{choose}', '{wait}']
  const user = openUser({ by: 'command', command, deadline: 5000 })
  expect([user.chooses, user.waits]).toEqual([true, true])
  expect(await user.act({ ...errand, choose: 'all', wait: 1 })).toMatchObject({ succeeded: true, page: 'all|1' })
  expect(await user.act(errand)).toMatchObject({ succeeded: true, page: 'suggested|0' })
})
