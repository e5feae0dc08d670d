// GitHub's own reading of action.yml, the workflows and the examples. Prints what it finds; exit code 1 where there is any.
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

// The package imports JSON files without the attribute that Node.js demands.
registerHooks({
  load: (url, context, next) =>
    url.endsWith('.json')
      ? { format: 'module', source: `export default ${readFileSync(fileURLToPath(url), 'utf8')}`, shortCircuit: true }
      : next(url, context),
})
const { validate } = await import('@actions/languageservice')
const { validateAction } = await import('@actions/languageservice/validate-action')
const { TextDocument } = await import('vscode-languageserver-textdocument')

let found = 0
for (const file of process.argv.slice(2)) {
  const document = TextDocument.create(`file:///${file}`, 'yaml', 0, readFileSync(file, 'utf8'))
  const check = file.endsWith('action.yml') ? validateAction : validate
  for (const { message, range } of await check(document)) {
    console.log(`${file}:${range.start.line + 1}: ${message}`)
    found += 1
  }
}
process.exit(found === 0 ? 0 : 1)
