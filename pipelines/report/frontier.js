// Says a model's numbers below the picture; without this the marks' titles have them.
for (const figure of document.querySelectorAll(".frontier")) {
  const said = figure.querySelector(".said");
  for (const mark of figure.querySelectorAll(".mark")) {
    const tell = () => { said.value = mark.getAttribute("aria-label"); };
    mark.addEventListener("pointerenter", tell);
    mark.addEventListener("focus", tell);
  }
}
