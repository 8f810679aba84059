/** The index: what is typed right after loading reaches the input (`autofocus` may come a moment late). */
document.getElementById("room-name-input").focus();
