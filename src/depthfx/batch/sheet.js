
'use strict'
{
  const by = id => document.getElementById(id)
  const grid = by('grid'), dialog = by('large'), split = by('split')
  const cards = [...grid.querySelectorAll('.card')]
  const names = new Map(cards.map(card => [card, card.querySelector('h3').textContent.toLowerCase()]))
  const picture = card => card.querySelector('button.picture')
  const KINDS = ['before', 'depth', 'after']

  // ------------------------------------------------------------ which, in which order
  let filter = 'all', shown = cards

  const fits = card => filter === 'all' || (filter === 'kept' ? card.dataset.kept : card.dataset.state === filter)

  function choose() {
    const wanted = by('search').value.trim().toLowerCase()
    shown = [...grid.children].filter(card => {
      card.hidden = !(fits(card) && names.get(card).includes(wanted))
      return !card.hidden
    })
    by('shown').textContent = shown.length === cards.length ? '' : `${shown.length} of ${cards.length}`
    by('none').hidden = shown.length > 0
    for (const button of document.querySelectorAll('[data-filter]')) {
      button.setAttribute('aria-pressed', button.dataset.filter === filter)
    }
  }

  function order() {
    const key = by('order').value
    const value = card => Number(card.dataset[key] ?? -1)
    // Out of the page while its cards move, so that the browser follows none of them.
    const place = by('none')
    grid.remove()
    grid.append(...(key === 'name' ? cards : [...cards].sort((one, other) => value(other) - value(one))))
    place.before(grid)
    choose()
  }

  by('tools').addEventListener('submit', event => event.preventDefault())
  by('search').addEventListener('input', choose)
  by('order').addEventListener('change', order)
  for (const button of document.querySelectorAll('[data-filter]')) {
    button.addEventListener('click', () => { filter = button.dataset.filter; choose() })
  }
  // What a link leads to has to be there.
  window.addEventListener('hashchange', () => {
    const target = by(location.hash.slice(1))
    if (!target?.hidden) return
    by('search').value = ''
    filter = 'all'
    choose()
    target.scrollIntoView()
  })

  // ------------------------------------------------------------ small: before while pointed at
  function show(button, kind) {
    const own = button.dataset.after ? 'after' : 'before'
    const asked = kind && button.dataset[kind] ? kind : own
    const image = button.firstElementChild
    if (image.getAttribute('src') !== button.dataset[asked]) image.src = button.dataset[asked]
    if (asked === own) delete button.dataset.showing
    else button.dataset.showing = asked
  }

  const pointed = event => event.target.closest?.('button.picture')
  grid.addEventListener('pointerover', event => {
    if (event.pointerType === 'mouse' && pointed(event)) show(pointed(event), 'before')
  })
  grid.addEventListener('pointerout', event => { if (pointed(event)) show(pointed(event)) })
  grid.addEventListener('focusout', event => { if (pointed(event)) show(pointed(event)) })
  grid.addEventListener('click', event => { if (pointed(event)) open(pointed(event).closest('.card')) })

  grid.addEventListener('keydown', event => {
    const button = pointed(event)
    if (!button || event.ctrlKey || event.altKey || event.metaKey) return
    const columns = getComputedStyle(grid).gridTemplateColumns.split(' ').length
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key]
    if (step) {
      event.preventDefault()
      moved(button.closest('.card'), step)?.focus()
    } else if (event.key === ' ' || event.key.toLowerCase() === 'd') {
      event.preventDefault()
      show(button, event.key === ' ' ? 'before' : 'depth')
    }
  })
  grid.addEventListener('keyup', event => {
    const button = pointed(event)
    if (button && (event.key === ' ' || event.key.toLowerCase() === 'd')) {
      event.preventDefault()
      show(button)
    }
  })

  function moved(card, step) {
    const seen = shown.filter(picture)
    return picture(seen[seen.indexOf(card) + step] ?? card)
  }

  // ------------------------------------------------------------ large: before against after
  let current = null, kind = 'compare'

  function open(card) {
    current = card
    const has = picture(card).dataset
    by('large-name').textContent = card.querySelector('h3').textContent
    by('large-words').replaceChildren(...[...card.querySelectorAll('.why, .facts, .links')].map(part => part.cloneNode(true)))
    for (const button of dialog.querySelectorAll('[data-kind]')) {
      const asked = button.dataset.kind
      button.disabled = asked === 'compare' ? !(has.before && has.after) : !has[asked]
    }
    by('previous').disabled = moved(card, -1) === picture(card)
    by('next').disabled = moved(card, 1) === picture(card)
    if (!dialog.open) dialog.showModal()
    draw()
  }

  function draw(asked = kind) {
    const has = picture(current).dataset
    const comparing = asked === 'compare' && has.before && has.after
    const one = has[asked] ?? has.after ?? has.before
    const name = by('large-name').textContent
    put(by('under'), comparing ? has.after : one, `${name}, ${comparing ? 'after' : asked}`)
    by('over').hidden = by('edge').hidden = split.hidden = !comparing
    if (comparing) put(by('over'), has.before, `${name}, before`)
    for (const button of dialog.querySelectorAll('[data-kind]')) {
      button.setAttribute('aria-pressed', button.dataset.kind === asked)
    }
    slide()
  }

  function put(image, address, words) {
    if (image.getAttribute('src') !== address) image.src = address
    image.alt = words
  }

  // The line is where the picture is, not where its box is.
  function frame() {
    const box = by('pair').getBoundingClientRect(), image = by('under')
    const wide = image.naturalWidth || 1, high = image.naturalHeight || 1
    const scale = Math.min(box.width / wide, box.height / high)
    const width = wide * scale, height = high * scale
    return { left: (box.width - width) / 2, top: (box.height - height) / 2, width, height, box }
  }

  function slide() {
    const { left, top, width, height } = frame()
    const at = left + width * split.value / 100
    by('over').style.clipPath = `inset(0 calc(100% - ${at}px) 0 0)`
    Object.assign(by('edge').style, { left: `${at}px`, top: `${top}px`, height: `${height}px` })
  }

  function drag(event) {
    if (by('over').hidden || !(event.buttons & 1)) return
    const { left, width, box } = frame()
    split.value = 100 * (event.clientX - box.left - left) / width
    slide()
  }

  split.addEventListener('input', slide)
  by('under').addEventListener('load', slide)
  window.addEventListener('resize', () => { if (dialog.open) slide() })
  by('pair').addEventListener('pointerdown', event => { by('pair').setPointerCapture(event.pointerId); drag(event) })
  by('pair').addEventListener('pointermove', drag)
  by('pair').addEventListener('dragstart', event => event.preventDefault())
  for (const button of dialog.querySelectorAll('[data-kind]')) {
    button.addEventListener('click', () => { kind = button.dataset.kind; draw() })
  }
  by('close').addEventListener('click', () => dialog.close())
  by('previous').addEventListener('click', () => step(-1))
  by('next').addEventListener('click', () => step(1))
  dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close() })
  dialog.addEventListener('close', () => picture(current)?.focus())

  function step(by) {
    open(moved(current, by).closest('.card'))
  }

  dialog.addEventListener('keydown', event => {
    if (event.ctrlKey || event.altKey || event.metaKey) return
    const sliding = event.target === split
    if (!sliding && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
      event.preventDefault()
      step(event.key === 'ArrowLeft' ? -1 : 1)
    } else if (event.key === ' ' && event.target.matches('dialog, #split, #previous, #next')) {
      event.preventDefault()
      draw('before')
    } else if (event.key.toLowerCase() === 'd' && picture(current).dataset.depth) {
      draw('depth')
    }
  })
  dialog.addEventListener('keyup', event => {
    const held = event.key === ' ' && event.target.matches('dialog, #split, #previous, #next')
    if (held || event.key.toLowerCase() === 'd') { event.preventDefault(); draw() }
  })

  // A page that comes back from the browser's own memory may have its fields filled in.
  if (by('order').value === 'name') choose()
  else order()
}
