import type { CompiledQuery, Kysely, QueryResult } from 'kysely'

/** Runs a prepared statement with these parameters. */
export type Prepared<T, P, R> = (on: Kysely<T>, parameters: P) => Promise<QueryResult<R>>

/**
 * A statement that is compiled to SQL once and not at every call, which costs as much as the statement itself: for statements that
 * run thousands of times a second. On `db` and in `write()` the same rules hold as for any other statement.
 * @param build makes the statement; called once, with a placeholder for each parameter. SQL that depends on a value (`is null`)
 * needs a second prepared statement
 * @throws TypeError when a parameter is missing
 */
export function prepared<T, P extends object, R = unknown>(
  build: (on: Kysely<T>, parameters: P) => { compile(): CompiledQuery<R> },
): Prepared<T, P, R> {
  let statement: { readonly query: CompiledQuery<R>; readonly values: (parameters: P) => unknown[] } | undefined
  return async (on, parameters) => {
    statement ??= prepare(on, build)
    const { query, values } = statement
    const executor = on.getExecutor()
    // Called for its checks: it refuses a change outside `write()`, and a `write()` that has ended.
    executor.transformQuery(query.query, query.queryId)
    return executor.executeQuery({ ...query, parameters: values(parameters) })
  }
}

function prepare<T, P extends object, R>(
  on: Kysely<T>,
  build: (on: Kysely<T>, parameters: P) => { compile(): CompiledQuery<R> },
): { readonly query: CompiledQuery<R>; readonly values: (parameters: P) => unknown[] } {
  // bound: the parameters of one statement; grown by the program
  const names = new Map<unknown, string>()
  const standIns = new Proxy({} as P, {
    get(_, name) {
      const standIn = Symbol(String(name))
      names.set(standIn, String(name))
      return standIn
    },
  })
  const query = build(on, standIns).compile()
  const slots = query.parameters.map(parameter => ({ name: names.get(parameter), constant: parameter }))
  const values = (parameters: P): unknown[] =>
    slots.map(({ name, constant }) => {
      if (name === undefined) return constant
      const value = parameters[name as keyof P]
      if (value === undefined) throw new TypeError('a parameter of a prepared statement is missing')
      return value
    })
  return { query, values }
}
