import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { parseDatabaseUrl } from './database-url.js'

test('reads every form of a database URL', () => {
  expect(parseDatabaseUrl('sqlite:auth.db')).toEqual({ dialect: 'sqlite', file: resolve('auth.db') })
  expect(parseDatabaseUrl('sqlite:./data/auth.db')).toEqual({ dialect: 'sqlite', file: resolve('data/auth.db') })
  expect(parseDatabaseUrl('sqlite:/var/lib/auth.db')).toEqual({ dialect: 'sqlite', file: '/var/lib/auth.db' })
  expect(parseDatabaseUrl('sqlite:///var/lib/auth.db')).toEqual({ dialect: 'sqlite', file: '/var/lib/auth.db' })
  expect(parseDatabaseUrl('sqlite::memory:')).toEqual({ dialect: 'sqlite', memory: true })
  for (const url of ['postgres://u:p@h:5432/d?sslmode=require', 'postgresql://h/d']) {
    expect(parseDatabaseUrl(url)).toEqual({ dialect: 'postgres', urls: [url] })
  }
  for (const attributes of ['?target_session_attrs=read-write&a=1', '?a=1&target_session_attrs=primary', '?a=1'])
    expect(parseDatabaseUrl(`postgres://u:p@h:5432,[::1]/d${attributes}`)).toEqual({
      dialect: 'postgres',
      urls: ['postgres://u:p@h:5432/d?a=1', 'postgres://u:p@[::1]/d?a=1'],
    })
  expect(parseDatabaseUrl('postgres://h,i:2/d?target_session_attrs=read-write')).toEqual({
    dialect: 'postgres',
    urls: ['postgres://h/d', 'postgres://i:2/d'],
  })
  // The driver would take this name for a remote database.
  expect(parseDatabaseUrl('sqlite:libsql:evil')).toEqual({ dialect: 'sqlite', file: resolve('libsql:evil') })
})

test.each([
  '',
  'auth.db',
  'mysql://h/d',
  'file:auth.db',
  'SQLITE:auth.db',
  'sqlite:',
  'sqlite:dir/',
  'sqlite://host/auth.db',
  'sqlite:a.db?mode=ro',
  'sqlite:a\0b',
  'postgres://h:99999/d',
  'postgres://h,:5/d',
  'postgres://h,/d',
  'postgres://h,i:x/d',
  'postgres://h,i/d?target_session_attrs=prefer-standby',
])('refuses %j and names the forms that are accepted', url => {
  expect(() => parseDatabaseUrl(url)).toThrow(TypeError)
  expect(() => parseDatabaseUrl(url)).toThrow(/sqlite:FILE, sqlite::memory: or postgres:/)
})

test('never repeats a password', () => {
  expect.assertions(1)
  try {
    parseDatabaseUrl('postgres://user:hunter2@host:bad/db')
  } catch (error) {
    expect(String(error)).not.toContain('hunter2')
  }
})
