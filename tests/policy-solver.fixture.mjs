// Runs Z3 in a process of its own: its threads would keep a test worker alive.
import { init } from 'z3-solver'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const { declarations, questions } = JSON.parse(Buffer.concat(chunks).toString())
const { Z3, em } = await init()
const context = Z3.mk_context(Z3.mk_config())

// Not `Z3.eval_smtlib2_string`: it frees the text while a thread still reads it, so that a command changes now and then.
const run = commands => em.ccall('Z3_eval_smtlib2_string', 'string', ['number', 'string'], [context, commands])

process.stdout.write(run(declarations))
const batch = 20
for (let i = 0; i < questions.length; i += batch) {
  const checks = questions
    .slice(i, i + batch)
    .map(formulas => `(push)${formulas.map(formula => `(assert ${formula})(check-sat)`).join('')}(pop)`)
  process.stdout.write(run(checks.join('\n')))
}
// Once all is written: to exit at once would cut off the end.
process.stdout.write('', () => process.exit(0))
