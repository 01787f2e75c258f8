import { expect, test } from 'vitest'
import { readUserConfiguration } from './user-configuration.js'

const chromium = { chromium: '/usr/bin/chromium', allow: ['Allow'], refuse: ['Refuse'] }

test('a user acts by a command, a URL or Chromium', () => {
  expect(readUserConfiguration({ command: ['act', '{url}', '{decision}'] })).toEqual({
    by: 'command',
    command: ['act', '{url}', '{decision}'],
    deadline: 30_000,
  })
  expect(readUserConfiguration({ template: 'http://127.0.0.1:9/act?to={url}&do={decision}', deadline: 5000 })).toEqual({
    by: 'template',
    template: 'http://127.0.0.1:9/act?to={url}&do={decision}',
    deadline: 5000,
  })
  expect(readUserConfiguration({ ...chromium, signIn: ['Ada'] })).toMatchObject({ by: 'chromium', signIn: ['Ada'] })
  expect(readUserConfiguration(undefined)).toBeUndefined()
})

test('a user has an inbox where the configuration says how to get there', () => {
  const command = ['act', '{url}', '{decision}', '{task}']
  expect(readUserConfiguration({ command, inbox: '/account/inbox' })).toMatchObject({ inbox: '/account/inbox' })
  const buttons = { turnOn: ['Turn it on'], question: 'Answer' }
  expect(readUserConfiguration({ ...chromium, ...buttons, inbox: '/inbox' })).toMatchObject({
    inbox: '/inbox',
    ...buttons,
  })
  for (const [wrong, said] of [
    [{ command, inbox: 'https://other.example/inbox' }, 'user.inbox must be a path'],
    [{ command, inbox: '//other.example/inbox' }, 'user.inbox must be a path'],
    [{ command: ['act', '{url}', '{decision}'], inbox: '/inbox' }, 'user.inbox needs {task} in user.command'],
    [{ ...chromium, inbox: '/inbox' }, 'user.inbox needs user.turnOn and user.question'],
    [{ ...chromium, turnOn: ['Turn it on'], inbox: '/inbox' }, 'user.inbox needs user.turnOn and user.question'],
  ] as const)
    expect(() => readUserConfiguration(wrong)).toThrow(said)
})

test('a user finds more in their account where the configuration says so', () => {
  const command = ['act', '{url}', '{decision}', '{task}']
  const pages = { account: '/account', history: '/account/calls' }
  expect(readUserConfiguration({ command, ...pages, stops: true, narrows: true })).toMatchObject({
    ...pages,
    stops: true,
    narrows: true,
  })
  expect(readUserConfiguration({ ...chromium, ...pages, stop: ['Stop'] })).toMatchObject({ ...pages, stop: ['Stop'] })
  for (const [wrong, said] of [
    [{ command, account: 'account' }, 'user.account must be a path'],
    [{ command: ['act', '{url}', '{decision}'], history: '/calls' }, 'user.history needs {task} in user.command'],
    [{ command, stops: 'yes' }, 'user.stops must be true or false'],
    [{ command, narrows: true }, 'user.narrows needs user.account'],
    [{ ...chromium, stops: true }, 'user.stops is not for chromium'],
    [{ command, stop: ['Stop'] }, 'user.stop is for chromium'],
  ] as const)
    expect(() => readUserConfiguration(wrong)).toThrow(said)
})

test.each([
  ['has none of the three', {}, 'exactly one of command, template, chromium'],
  ['has two of them', { ...chromium, command: ['{url}', '{decision}'] }, 'exactly one of'],
  ['has an unknown member', { ...chromium, signin: ['Ada'] }, 'user has no option signin'],
  ['has a member of another kind', { command: ['{url}', '{decision}'], allow: ['Yes'] }, 'user.allow is for chromium'],
  ['is a command that knows no link', { command: ['act', '{decision}'] }, 'user.command must have {url}'],
  ['is a command that knows no decision', { command: ['act', '{url}'] }, 'user.command must have {decision}'],
  ['is a command as one text', { command: 'act {url} {decision}' }, 'must be a list of texts'],
  ['is a template that is no URL', { template: '/act?{url}&{decision}' }, 'must be an http or https URL'],
  ['is a Chromium that presses nothing', { ...chromium, allow: [] }, 'user.allow must be a list of at least one text'],
  ['waits for too long', { ...chromium, deadline: 600_000 }, 'user.deadline must be a whole number'],
  ['is a list', [], 'user must be an object'],
])('a user that %s is refused', (_, value, message) => {
  expect(() => readUserConfiguration(value)).toThrow(message)
})
