import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { PolicyRequest } from '@countersign/auth-server'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { policyOf, policyOptions } from './policy.js'

const folder = temporaryFolder()
const settings = z.strictObject(policyOptions)
const request: PolicyRequest = {
  agent: 'https://agent.example',
  delegate: 'phone',
  resource: 'https://calendar.example',
  scope: ['events.read'],
}
const few = { type: 'calls', max: 10, per: 'day' }

async function decide(options: z.input<typeof settings>) {
  return (await policyOf({ ...settings.parse(options), development: true }))(request)
}

test('grants and questions of the file may have conditions and an approver', async () => {
  const line = {
    agent: request.agent,
    resource: request.resource,
    scopes: ['events.read'],
    delegates: ['phone'],
  }
  expect(await decide({ grants: [{ ...line, conditions: [few], approver: 'ada' }] })).toEqual({
    decision: 'direct',
    conditions: [few],
    approver: 'ada',
  })
  const question = { agents: 'any' as const, resources: 'any' as const }
  expect(await decide({ ask: [{ ...question, conditions: [few] }] })).toEqual({
    decision: 'consent',
    conditions: [few],
  })
  expect(await decide({ ask: [question] })).toBe('consent')
  expect(await decide({})).toBe('deny')
})

test('conditions of the file that are not understood are refused, with their place', () => {
  const grant = { agent: request.agent, resource: request.resource, scopes: ['a'], conditions: [{ type: 'moon' }] }
  const { error } = settings.safeParse({ grants: [grant] })
  expect(error?.issues.map(({ path, message }) => [path.join('.'), message])).toEqual([
    [
      'grants.0.conditions',
      'The list of conditions is malformed, or has one that is not known here: a condition has a type that is not known here',
    ],
  ])
})

test('policies in Cedar stand in a file of their own', async () => {
  const policiesFile = join(folder, 'policies.cedar')
  writeFileSync(
    policiesFile,
    '@conditions("few") permit (principal in Group::"ours", action == Action::"consent", resource);',
  )
  const cedar = { policiesFile, groups: { ours: ['https://agent.example'] }, conditions: { few: [few] } }
  expect(await decide({ cedar })).toEqual({ decision: 'consent', conditions: [few], by: ['policy0'] })
  await expect(decide({ cedar: { ...cedar, conditions: {} } })).rejects.toThrow(
    `${policiesFile}: cedar: @conditions names 'few', which option 'conditions' does not have`,
  )
})

test('a decision point is asked with the token of the file', async () => {
  const asked: Array<string | undefined> = []
  const server = createServer((incoming, response) => {
    asked.push(incoming.headers.authorization)
    incoming.resume()
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"decision":true}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, 'secret\n')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  expect(await decide({ authzen: { url, tokenFile, deadline: 10 } })).toEqual({ decision: 'direct', conditions: [] })
  expect(asked).toEqual(['Bearer secret'])
})

test('cedar and authzen decide alone', async () => {
  const authzen = { url: 'https://pdp.example' }
  const ask = [{ agents: 'any' as const, resources: 'any' as const }]
  for (const both of [
    { authzen, ask },
    { authzen, cedar: { policiesFile: 'x' } },
  ])
    await expect(decide(both)).rejects.toThrow('cedar or authzen decides alone: leave out the other, grants and ask')
})
