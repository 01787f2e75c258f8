import type { Requirement } from '@countersign/resource'
import { expect, test } from 'vitest'
import { laxRoutes } from './lax-routes.js'

const any: Requirement<string> = { level: 'anonymous' }
const identified: Requirement<string> = { level: 'identified' }

function laxBeside(own: Requirement<string>, other: Requirement<string>): boolean {
  const routes = [
    { path: '/*', requirement: own },
    { path: '/admin/*', requirement: other },
  ]
  return laxRoutes(routes).length > 0
}

test('a route for all paths is lax beside longer ones that ask for more, and not beside equal or laxer ones', () => {
  const routes = [
    { path: '/*', requirement: identified },
    { path: '/public/*', requirement: any },
    { path: '/admin/*', requirement: { scope: 'admin' } },
    { path: '/admin/*', methods: ['PUT'], requirement: { scope: 'admin' } },
    { path: '/me', requirement: { level: 'authorized' as const } },
    { path: '/public/keys', requirement: identified },
  ]
  expect(laxRoutes(routes)).toEqual([
    { path: '/*', stricter: ['/admin/*', '/me'] },
    { path: '/public/*', stricter: ['/public/keys'] },
  ])
  expect(laxRoutes([{ path: '/admin', requirement: any }, ...routes.slice(2)])).toEqual([])
})

test.each([
  [{ scope: 'read' }, { scope: ['read', 'write'] }],
  [identified, { level: 'identified', agents: ['https://agent.example'] }],
  [{ scope: 'read' }, { scope: 'read', approve: true }],
  [{ scope: 'read' }, { scope: 'read', purposes: ['backup'] }],
  [
    { level: 'identified', deny: { agents: ['https://a.example'] } },
    { level: 'identified', deny: { agents: ['https://b.example'] } },
  ],
] satisfies Array<[Requirement<string>, Requirement<string>]>)('%j is laxer than %j', (own, other) => {
  expect(laxBeside(own, other)).toBe(true)
  expect([laxBeside(own, own), laxBeside(other, other)]).toEqual([false, false])
})

test('routes without a method in common are not compared', () => {
  const read = { path: '/*', methods: ['GET'], requirement: any }
  const write = { path: '/admin/*', methods: ['POST'], requirement: identified }
  expect(laxRoutes([read, write])).toEqual([])
  expect(laxRoutes([read, { ...write, methods: ['GET', 'POST'] }])).toEqual([{ path: '/*', stricter: ['/admin/*'] }])
})
