// Draws the diagrams of the page as GitHub does: strict, in the theme that the reader prefers.
const { mermaid } = globalThis
const sources = [...document.querySelectorAll('code.language-mermaid')].map((code) => {
  const place = document.createElement('div')
  place.className = 'diagram'
  code.parentElement.replaceWith(place)
  return { place, text: code.textContent }
})
const dark = matchMedia('(prefers-color-scheme: dark)')

async function draw({ place, text }, index) {
  try {
    const { svg } = await mermaid.render(`diagram-${index}`, text)
    place.innerHTML = svg
    place.dataset.state = 'drawn'
  } catch (error) {
    place.textContent = String(error)
    place.dataset.state = 'failed'
  }
}

async function drawAll() {
  document.documentElement.dataset.diagrams = 'drawing'
  mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', theme: dark.matches ? 'dark' : 'default' })
  for (const [index, source] of sources.entries()) await draw(source, index)
  document.documentElement.dataset.diagrams = 'done'
}

dark.addEventListener('change', drawAll)
await drawAll()
